import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../../src/config/load.ts';
import { certifiedNames, platformNames } from '../../../src/operations/tls/names.ts';
import { certbotEnvironment, reloadSeconds, renderTls } from '../../../src/operations/tls/render.ts';
import { goodSecret, sourcesOf } from '../../config/valid-sources.ts';

function operator(variables: Readonly<Record<string, string>> = {}) {
  return loadConfig('operator', sourcesOf(variables));
}

describe('what TLS is rendered from', () => {
  it('asks for a certificate for each name once', () => {
    const names = platformNames(operator({ RELAY_HOSTNAME: 'postal.example.com' }), ['click.example.com']);
    expect(certifiedNames(names)).toEqual(['postal.example.com', 'api.example.com', 'click.example.com']);
  });

  it('tells certbot its timing in whole seconds, and who to write to', () => {
    const config = operator({
      CERT_CHECK_INTERVAL: '90m',
      CERT_RETRY_DELAY: '100ms',
      CERT_HEALTH_AFTER: '3h',
    });
    expect(certbotEnvironment(config, ['a.example.com', 'b.example.com'])).toEqual({
      CERT_NAMES: 'a.example.com b.example.com',
      ACME_DIRECTORY: 'https://acme-v02.api.letsencrypt.org/directory',
      ACME_EMAIL: 'ops@example.com',
      CERT_KEY_TYPE: 'ecdsa',
      CERT_CHECK_SECONDS: '5400',
      CERT_RETRY_SECONDS: '1',
      CERT_HEALTH_MINUTES: '180',
    });
    expect(reloadSeconds(operator({ NGINX_RELOAD_INTERVAL: '2500ms' }))).toBe('3');
  });

  it('gives each name a file of its own, and leaves nothing unfilled and no secret in any', async () => {
    const config = operator();
    const files = await renderTls(config, platformNames(config, ['click.example.com']));
    expect(files.map(({ path }) => path)).toEqual([
      'rendered/nginx/nginx.conf',
      'rendered/nginx/sites/_default.conf',
      'rendered/nginx/sites/api.example.com.conf',
      'rendered/nginx/sites/postal.example.com.conf',
      'rendered/nginx/sites/click.example.com.conf',
      'rendered/nginx/start.sh',
      'rendered/certbot/run.sh',
      'rendered/certbot/health.sh',
      'rendered/postal/health.sh',
      'rendered/postal/smtp.sh',
      'rendered/postal/worker.sh',
    ]);
    const all = files.map(({ content }) => content).join('\n');
    expect(all).not.toMatch(/\{\{|undefined/);
    expect(all).not.toContain(goodSecret);
  });
});
