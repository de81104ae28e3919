// Shows the description with Swagger UI, in the appearance that the reader's system has.

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const answer = await fetch("openapi.json");
if (answer.ok) {
  const description = await answer.json();
  // Requests go to where this page came from, by whatever name and path it was reached.
  description.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  SwaggerUIBundle({
    spec: description,
    dom_id: "#reference",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    validatorUrl: null,
  });
} else {
  document.getElementById("reference").textContent =
    `The description cannot be had: ${answer.status}. Try again.`;
}
