"""What an operator is told of a policy at the start, in one sentence each."""

from collections.abc import Iterator

from adapters.auth.presets import Preset

CLIENT_NOTE = (
    "An audience of {name} is a client: use one for this service alone, since any token that the "
    "provider gives that client opens it."
)
ID_NOTE = (
    "ID tokens are taken, as id-token asks for: use a client of its own for this service, and for "
    "nothing else, since any application that gets its ID tokens can speak for their people here."
)
SUBJECT_NOTE = (
    "People are told apart by the claim {claim}. Whoever changes that gives everybody a new owner: "
    "nobody finds the sessions that are theirs until it is changed back."
)


PLAIN_NOTE = (
    "The keys come from {url} without TLS: whoever can answer there, in whatever network lies "
    "between, decides who gets in."
)


def notes(
    preset: Preset, subject_claim: str | None = None, keys_url: str | None = None
) -> Iterator[str]:
    if preset.takes_id_tokens:
        yield ID_NOTE
    elif preset.is_for_clients:
        yield CLIENT_NOTE.format(name=preset.name)
    if subject_claim is not None:
        yield SUBJECT_NOTE.format(claim=subject_claim)
    if keys_url is not None and keys_url.startswith("http:"):
        yield PLAIN_NOTE.format(url=keys_url)
