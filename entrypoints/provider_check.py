from application.errors import Misconfigured, StartRefused, Unavailable
from entrypoints.container import key_source, preset_of
from entrypoints.issuers_file import Issuer


async def ask_provider(issuer: Issuer) -> tuple[str, int]:
    """Return what the identity provider says of itself, and how many of its keys can be used.

    Raises StartRefused for another than the one that is set, or a key file that cannot be used, and
    Unavailable for a provider that is away.
    """
    url = issuer.settings.oidc_keys_url or preset_of(issuer).keys_url(issuer.name)
    source = key_source(issuer)
    try:
        found = await source.keys()
    except Unavailable as error:
        if isinstance(error, Misconfigured) or (url and url.startswith("file:")):
            raise StartRefused(f"{issuer.name}: {error}") from error
        raise
    finally:
        await source.close()
    named = f"the keys of {issuer.name} are at {url}" if url else f"it calls itself {issuer.name}"
    others = f", {found.unfit} not: {', '.join(found.others)}" if found.unfit else ""
    used = f"{len(found.keys)} of its keys can be used{others}"
    return f"provider: {named}, as is set; {used}", len(found.keys)
