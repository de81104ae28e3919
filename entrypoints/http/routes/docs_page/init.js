// Shows the description with Swagger UI, in the appearance that the reader's system has.

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const answer = await fetch("openapi.json");
if (answer.ok) {
  await show(await answer.json());
} else {
  document.getElementById("reference").textContent =
    `The description cannot be had: ${answer.status}. Try again.`;
}

async function show(description) {
  // Requests go to where this page came from, by whatever name and path it was reached.
  description.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  const { openIdConnect: provider, ...others } = description.components.securitySchemes;
  const signIn = provider?.["x-sign-in"];
  const endpoints = signIn && (await endpointsOf(provider.openIdConnectUrl));
  // Where nobody can sign in the provider is left out: Swagger UI would ask for it by itself.
  description.components.securitySchemes = endpoints
    ? { openIdConnect: authorizationCode(provider, signIn, endpoints), ...others }
    : others;
  const page = SwaggerUIBundle({
    spec: description,
    dom_id: "#reference",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    validatorUrl: null,
    oauth2RedirectUrl: new URL("docs/signed-in", location.href).href,
    requestInterceptor: (request) => {
      if (request.url.startsWith(endpoints?.token_endpoint)) {
        request.url = endpoints.token_endpoint;
        request.body += `&${new URLSearchParams(meant(signIn))}`;
      }
      return request;
    },
  });
  if (endpoints) {
    page.initOAuth({
      clientId: signIn.client_id,
      scopes: signIn.scopes,
      usePkceWithAuthorizationCodeGrant: true,
      additionalQueryStringParams: meant(signIn),
    });
  }
}

async function endpointsOf(url) {
  try {
    return await (await fetch(url)).json();
  } catch {
    return undefined; // the provider is away: a token from elsewhere does as well
  }
}

function authorizationCode({ description }, { scopes }, endpoints) {
  return {
    type: "oauth2",
    description,
    flows: {
      authorizationCode: {
        authorizationUrl: endpoints.authorization_endpoint,
        tokenUrl: endpoints.token_endpoint,
        scopes: Object.fromEntries(scopes.map((scope) => [scope, ""])),
      },
    },
  };
}

// Whom the token is meant for: RFC 8707 says it by a URL, some providers by a name of their own.
function meant({ audience }) {
  return /^https?:/.test(audience) ? { audience, resource: audience } : { audience };
}
