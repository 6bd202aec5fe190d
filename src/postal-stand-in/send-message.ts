import addressparser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';

import { type ApiAnswer, type ApiParams, failure, isBlank } from './api-answers.ts';
import type { Office } from './office.ts';
import { send } from './send.ts';
import { randomToken, randomUuid } from './tokens.ts';

const messages = {
  NoRecipients: 'There are no recipients defined to receive this message',
  NoContent: 'There is no content defined for this e-mail',
  TooManyToAddresses: 'The maximum number of To addresses has been reached (maximum 50)',
  TooManyCCAddresses: 'The maximum number of CC addresses has been reached (maximum 50)',
  TooManyBCCAddresses: 'The maximum number of BCC addresses has been reached (maximum 50)',
  FromAddressMissing: 'The From address is missing and is required',
  UnauthenticatedFromAddress: 'The From address is not authorised to send mail from this server',
  AttachmentMissingName: 'An attachment is missing a name',
  AttachmentMissingData: 'An attachment is missing data',
} as const;

type Problem = keyof typeof messages;

const most = 50;

/** A structured message as Postal understands it. */
interface Letter {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly from: string;
  readonly fromDomain: string;
  readonly attachments: readonly ApiParams[];
  readonly params: ApiParams;
}

/** `send/message`: Postal writes the message itself, one for To, Cc and Bcc together. */
export async function sendMessage(office: Office, params: ApiParams): Promise<ApiAnswer> {
  const letter = readLetter(params);
  const [problem] = problemsOf(office, letter);
  if (problem) return failure(problem, { message: messages[problem] });
  return send(office, '/api/v1/send/message', {
    raw: await compose(office, letter),
    domain: letter.fromDomain,
    mailFrom: addressOf(letter.from),
    rcptTo: [...letter.to, ...letter.cc, ...letter.bcc],
    bounce: !isBlank(params['bounce']),
  });
}

function readLetter(params: ApiParams): Letter {
  const from = textOf(params['from']);
  const attachments = Array.isArray(params['attachments']) ? params['attachments'].filter(isRecord) : [];
  return {
    to: addressesOf(params['to']),
    cc: addressesOf(params['cc']),
    bcc: addressesOf(params['bcc']),
    from,
    fromDomain: addressOf(from).replace(/^.*@/, '').toLowerCase(),
    attachments,
    params,
  };
}

/** Addresses of a list or of one text with commas. */
function addressesOf(value: unknown): string[] {
  const texts = Array.isArray(value) ? value.map(String) : textOf(value).split(',');
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}

function problemsOf(office: Office, letter: Letter): Problem[] {
  const { to, cc, bcc, params, attachments } = letter;
  const checks: Record<Problem, boolean> = {
    NoRecipients: to.length + cc.length + bcc.length === 0,
    NoContent: isBlank(params['plain_body']) && isBlank(params['html_body']),
    TooManyToAddresses: to.length > most,
    TooManyCCAddresses: cc.length > most,
    TooManyBCCAddresses: bcc.length > most,
    FromAddressMissing: letter.from === '',
    UnauthenticatedFromAddress: !office.settings.domains.includes(letter.fromDomain),
    AttachmentMissingName: attachments.some(({ name }) => isBlank(name)),
    AttachmentMissingData: attachments.some(({ data }) => isBlank(data)),
  };
  return problemNames.filter((problem) => checks[problem]);
}

const problemNames: readonly Problem[] = [
  'NoRecipients',
  'NoContent',
  'TooManyToAddresses',
  'TooManyCCAddresses',
  'TooManyBCCAddresses',
  'FromAddressMissing',
  'UnauthenticatedFromAddress',
  'AttachmentMissingName',
  'AttachmentMissingData',
];

async function compose(office: Office, letter: Letter): Promise<Buffer> {
  const { params, attachments } = letter;
  const { webHostname } = office.settings;
  const date = office.world.clock.now();
  const composer = new MailComposer({
    from: letter.from,
    to: [...letter.to],
    cc: [...letter.cc],
    replyTo: textOf(params['reply_to']),
    sender: textOf(params['sender']),
    subject: textOf(params['subject']),
    messageId: `<${randomUuid(office.world.random)}@rp.${webHostname}>`,
    date,
    text: textOf(params['plain_body']),
    html: textOf(params['html_body']),
    headers: {
      Received: receivedBy(webHostname, date),
      ...tagHeader(params['tag']),
      ...customHeaders(params),
    },
    attachments: attachments.map(({ name, content_type: contentType, data }) => ({
      filename: String(name),
      contentType: isBlank(contentType) ? 'application/octet-stream' : String(contentType),
      content: Buffer.from(String(data), 'base64'),
    })),
    boundaryPrefix: randomToken(office.world.random, 10),
  });
  return composer.compile().build();
}

function receivedBy(webHostname: string, date: Date): string {
  const time = date.toUTCString().replace('GMT', '+0000');
  return `from api (localhost [127.0.0.1]) by ${webHostname} with HTTP; ${time}`;
}

function tagHeader(tag: unknown): Record<string, string> {
  return isBlank(tag) ? {} : { 'X-Postal-Tag': textOf(tag) };
}

function customHeaders({ headers }: ApiParams): Record<string, string> {
  if (!isRecord(headers)) return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, textOf(value)]));
}

function addressOf(text: string): string {
  return addressparser(text, { flatten: true })[0]?.address ?? '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
