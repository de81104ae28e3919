// Where the identity provider sends the reader's browser back to: hands the code to the page that
// opened this window, where Swagger UI waits for it (RFC 6749 section 4.1.2).

const waiting = window.opener?.swaggerUIRedirectOauth2;
if (waiting) {
  const { auth, state, redirectUrl, callback, errCb } = waiting;
  const given = new URLSearchParams(location.search);
  const refuse = (message) => errCb({ authId: auth.name, source: "auth", level: "error", message });
  if (given.get("state") !== state) {
    refuse("The answer is not to this page's question.");
  } else if (given.has("code")) {
    delete waiting.state;
    auth.code = given.get("code");
    callback({ auth, redirectUrl });
  } else {
    refuse(given.get("error_description") ?? given.get("error") ?? "There is no code.");
  }
  window.close();
}
