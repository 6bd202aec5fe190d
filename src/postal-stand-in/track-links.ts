/** What a rewritten text needs to know: where links lead, and how a link's token is made. */
export interface Tracker {
  /** Base of every tracked URL with the mail server's token, no slash at the end: `http://click.example.com/abcdef`. */
  readonly linkBase: string;
  readonly pixelUrl: string;
  /** Remembers a target and gives its token. */
  addLink(url: string): string;
}

const url = String.raw`https?://[A-Za-z0-9\-.:]+(?:/[A-Za-z0-9./+?&\-_%=~:;()[\]#]*)?`;
const anyUrl = new RegExp(url, 'g');
const linkInHtml = new RegExp(String.raw`href=(['"])(${url})['"]`, 'g');
const optedOut = /(https?)\+notrack:\/\//g;

/** Plain text with each URL before white space replaced; Postal drops punctuation that ends the URL. */
export function trackText(text: string, tracker: Tracker): string {
  return text
    .replaceAll(anyUrl, (target, at: number) => {
      const next = text.charAt(at + target.length);
      return next.trim() === '' ? linkTo(withoutEndMarks(target), tracker) : target;
    })
    .replaceAll(optedOut, '$1://');
}

/** Html with each quoted `href` replaced, its quotes turned to `'`, and the pixel before `</body>` or at the end. */
export function trackHtml(html: string, tracker: Tracker): string {
  const linked = html
    .replaceAll(linkInHtml, (_, __, target: string) => `href='${linkTo(unescapeHtml(target), tracker)}'`)
    .replaceAll(optedOut, '$1://');
  const pixel = pixelFor(tracker.pixelUrl);
  return linked.includes('</body>') ? linked.replaceAll('</body>', () => `${pixel}</body>`) : linked + pixel;
}

function linkTo(target: string, tracker: Tracker): string {
  return `${tracker.linkBase}/${tracker.addLink(target)}`;
}

function withoutEndMarks(target: string): string {
  let end = target.length;
  while (end > 0 && !/\w/.test(target.charAt(end - 1))) end -= 1;
  return target.slice(0, end);
}

function pixelFor(src: string): string {
  const hidden = 'display:none;visibility:none;margin:0;padding:0;line-height:0;';
  return `<p class='ampimg' style='${hidden}'><img src='${src}' alt=''></p>`;
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

function unescapeHtml(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
}
