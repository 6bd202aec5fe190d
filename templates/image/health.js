// The health check of our services: node health.js SERVICE PORT. Healthy is who says the right name, makes progress and can serve.
const [service, port] = process.argv.slice(2);

for (const path of ['live', 'ready']) {
  const answer = await fetch(`http://127.0.0.1:${port}/health/${path}`);
  const said = await answer.json();
  if (said.service !== service) fail(`port ${port} is ${said.service}, not ${service}`);
  if (!said.ok) fail(said.checks.filter(({ ok }) => !ok).map(({ name, why }) => `${name}: ${why}`).join('; '));
}

function fail(why) {
  process.stdout.write(`${why}\n`);
  process.exit(1);
}
