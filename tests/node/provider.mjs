// An OpenID provider on loopback, told what to do by lines of JSON on stdin.
//
// The first line is {"port", "audience", "scopes", "secret", "keys"}; every later one may have new
// "keys", which are the provider's from then on. Each is answered by a line on stdout with the
// requests that came until then: {"requests": {"/jwks": 1}}.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'Ed25519', 'EdDSA'];
const CALLBACK = 'http://127.0.0.1/signed-in';

console.info = console.warn = console.error; // stdout is for answers alone

const requests = {};
let setup = {};
let answer = null;

// A client for people and one for robots to each algorithm that access tokens are signed with, one
// for people whose access tokens say `JWT` as their ID tokens do, and one for a page, which can keep
// no secret.
function clients({ secret }) {
  const page = {
    client_id: 'page-ES256',
    application_type: 'native', // so that loopback may have any port
    grant_types: ['authorization_code'],
    redirect_uris: ['http://127.0.0.1/docs/signed-in'],
    token_endpoint_auth_method: 'none',
  };
  return ALGORITHMS.flatMap((algorithm) => [
    ...['web', 'plain'].map((kind) => ({
      client_id: `${kind}-${algorithm}`,
      client_secret: secret,
      application_type: 'native',
      grant_types: ['authorization_code'],
      redirect_uris: [CALLBACK],
    })),
    {
      client_id: `robot-${algorithm}`,
      client_secret: secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ]).concat(page);
}

function provider({ port, audience, scopes, keys, secret }) {
  return new Provider(`http://127.0.0.1:${port}`, {
    jwks: { keys },
    clients: clients({ secret }),
    clientDefaults: { id_token_signed_response_alg: 'RS256' },
    clientBasedCORS: (_, origin, client) => client.clientId === 'page-ES256',
    cookies: { keys: [secret] },
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    formats: {
      customizers: {
        jwt: (_, token, jwt) => {
          if (token.clientId.startsWith('plain-')) jwt.header = { typ: 'JWT' };
        },
      },
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, ClientCredentials: 600, IdToken: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_, resource, client) => ({
          audience: resource,
          scope: scopes.join(' '),
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: client.clientId.split('-')[1] } },
        }),
      },
    },
  }).callback();
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  requests[pathname] = (requests[pathname] ?? 0) + 1;
  answer(request, response);
});

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  if (told.keys) {
    setup = { ...setup, ...told };
    answer = provider(setup);
  }
  if (!server.listening) {
    await new Promise((listening) => server.listen(setup.port, '127.0.0.1', listening));
  }
  console.log(JSON.stringify({ requests }));
}
process.exit();
