import { durations, listenOrPublished, path, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'TLS (certificates served)';
const readBy = ['operator'] as const;

/** How certificates are looked at, and where. */
export const certificates = {
  CERT_WARN_BEFORE: variable(durations, {
    section,
    readBy,
    means: 'How long before its end a certificate is warned about, the later the louder',
    fallback: '30d,7d,1d',
  }),
  CERT_RENEW_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long certbot may take when it is asked for certificates',
    fallback: '5m',
  }),
  CERT_DEPLOY_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long every port may take to serve a new certificate',
    fallback: '2m',
  }),
  CERT_POLL_INTERVAL: variable(wait, {
    section,
    readBy,
    means: 'How often the ports are dialled while that is waited for',
    fallback: '500ms',
  }),
  CERT_DIAL_TIMEOUT: variable(wait, {
    section,
    readBy,
    means: 'How long a port may take to show its certificate',
    fallback: '10s',
  }),
  CERT_DIR: variable(path, {
    section,
    readBy,
    means: 'Folder with NAME/fullchain.pem, where it can be read; without it the containers are asked',
    optional: true,
  }),
  CERT_HTTPS_ADDRESS: variable(listenOrPublished, {
    section,
    readBy,
    means:
      'Where nginx is dialled to see what it serves: HOST:PORT, off, or published for PUBLISH_ADDRESS and PUBLISH_HTTPS',
    fallback: 'published',
  }),
  CERT_SMTPS_ADDRESS: variable(listenOrPublished, {
    section,
    readBy,
    means:
      "Where the relay's implicit TLS is dialled: HOST:PORT, off, or published for PUBLISH_ADDRESS and PUBLISH_SUBMISSIONS",
    fallback: 'published',
  }),
  CERT_SUBMISSION_ADDRESS: variable(listenOrPublished, {
    section,
    readBy,
    means:
      "Where the relay's STARTTLS is dialled: HOST:PORT, off, or published for PUBLISH_ADDRESS and PUBLISH_SUBMISSION",
    fallback: 'published',
  }),
  CERT_SMTP_ADDRESS: variable(listenOrPublished, {
    section,
    readBy,
    means:
      "Where the STARTTLS of Postal's SMTP server is dialled: HOST:PORT, off, or published for PUBLISH_ADDRESS and PUBLISH_SMTP",
    fallback: 'published',
  }),
};
