from application.errors import Misconfigured, StartRefused
from entrypoints.container import key_source, preset_of
from entrypoints.issuers_file import Issuer


async def ask_provider(issuer: Issuer) -> tuple[str, int]:
    """Return what the identity provider says of itself, and how many of its keys can be used.

    Raises StartRefused for another than the one that is set, and Unavailable for one that is away.
    """
    source = key_source(issuer)
    try:
        found = await source.keys()
    except Misconfigured as error:
        raise StartRefused(str(error)) from error
    finally:
        await source.close()
    where = issuer.settings.oidc_keys_url or preset_of(issuer).keys_url(issuer.name)
    named = f"its keys are at {where}" if where else f"it calls itself {issuer.name}"
    others = f", {found.unfit} not ({', '.join(found.others)})" if found.unfit else ""
    used = f"{len(found.keys)} of its keys can be used{others}"
    return f"provider: {named}, as is set; {used}", len(found.keys)
