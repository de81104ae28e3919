<?php
// What the back end of a web site does, with a client made of the API's description. It prints what
// it was answered.
require '/usr/share/php/GuzzleHttp/autoload.php'; // Debian's

use OpenAPI\Client\Api\SessionsApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model;
use OpenAPI\Client\ObjectSerializer;

[, $client, $url, $token] = $argv;
error_reporting(E_ALL);
set_error_handler(fn ($level, $message, $file, $line) => throw new ErrorException($message, 0, $level, $file, $line));
spl_autoload_register(function (string $class) use ($client): void {
    require $client . '/lib/' . strtr(substr($class, strlen('OpenAPI\\Client\\')), '\\', '/') . '.php';
});

$api = new SessionsApi(config: (new Configuration())->setHost($url)->setAccessToken($token));

/** What was refused, as the exception has it. */
function refused(callable $request): array
{
    try {
        $request();
    } catch (ApiException $refusal) {
        return [$refusal->getCode(), $refusal->getResponseObject()];
    }
    throw new LogicException('It was not refused.');
}

$create = new Model\SessionCreate(['external_id' => 'php/1', 'metadata' => ['starred' => true]]);
$create->setTitle(str_repeat('😀', 150));
$session = $api->createSession($create);
$held = $api->getSession('ext:php/1');

$said = (new Model\MessageCreate())->setRole(Model\Role::USER)->setContent('hi');
$called = (new Model\MessageCreate(['role' => Model\Role::ASSISTANT, 'format' => 'openai.chat']))
    ->setBody((array) json_decode($argv[4]));
$appended = $api->appendMessages($session->getId(), new Model\MessagesAppend(['messages' => [$said, $called]]));

$put = new Model\MessageReplace(['role' => Model\Role::TOOL, 'content' => 'sunny']);
$made = $api->putMessage($session->getId(), 'ext:m/1', $put);
$got = $api->getMessage($session->getId(), 'ext:m/1');

$page = $api->listMessages($session->getId(), after: 1, view: 'text');
$found = $api->listSessions(
    limit: 10, archived: Model\Marked::ANY, external_id: 'php/1',
    updated_after: $session->getLastUpdated()->format("Y-m-d\TH:i:s.up"),
);

$patched = $api->updateSession($session->getId(), (new Model\SessionUpdate())->setTitle('Lisbon'));

[$wrong, $broken] = refused(fn () => $api->updateSession(
    $session->getId(), (new Model\SessionUpdate())->setTitle(str_repeat('x', 201)),
));
[$taken, $conflict] = refused(fn () => $api->createSession($create));
[$missing, $gone] = refused(fn () => $api->getSession('ext:none'));

$api->clearMessages($session->getId());

foreach ([$session, ...$appended->getItems(), $got, $page, $found, $broken, $conflict, $gone] as $model) {
    if (!$model->valid()) {
        throw new LogicException(implode(' ', $model->listInvalidProperties()));
    }
}
echo json_encode([
    'held' => [$held->getId() === $session->getId(), $held->getTitle(), $held->getMetadata()],
    'appended' => array_map(
        fn ($message) => [$message->getMessageOrder(), $message->getRole(), $message->getContent(), $message->getBody()],
        $appended->getItems(),
    ),
    'put' => [$made->getExternalId(), $got->getContent(), $got->getMessageOrder(), $got->getId() === $made->getId()],
    'page' => array_map(fn ($message) => [$message->getMessageOrder(), $message->getBody()], $page->getItems()),
    'found' => array_map(fn ($session) => $session->getExternalId(), $found->getItems()),
    'patched' => [$patched->getTitle(), $patched->getMetadata(), $patched->getArchived()],
    'wrong' => [$wrong, $broken->getErrors()[0]->getPointer()],
    'taken' => [$taken, $conflict->getSessionId() === $session->getId()],
    'missing' => [$missing, $gone->getDetail()],
    'left' => $api->getSession($session->getId())->getMessageCount(),
]);
