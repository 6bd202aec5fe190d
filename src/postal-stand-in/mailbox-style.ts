/** Style sheet of the mailbox, for light and dark. */
export const mailboxStyle = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#ffffff, #16181d);
  --desk: light-dark(#f4f5f7, #101216);
  --ink: light-dark(#1c2430, #e6e9ef);
  --quiet: light-dark(#667085, #98a2b3);
  --line: light-dark(#e4e7ec, #2a2f38);
  --accent: light-dark(#2f5bea, #8aa6ff);
  --chosen: light-dark(#e9eefe, #1e2740);
  --good: light-dark(#067647, #6ce9a6);
  --warn: light-dark(#b54708, #fec84b);
  --bad: light-dark(#b42318, #fda29b);
}
* { box-sizing: border-box; margin: 0; }
body {
  display: grid; grid-template-columns: minmax(17rem, 22rem) 1fr; height: 100vh; overflow: hidden;
  background: var(--desk); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
a { color: var(--accent); text-decoration: none; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; border-radius: 6px; }
code, pre { font: 13px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.quiet, time { color: var(--quiet); font-size: .85rem; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }

aside { border-right: 1px solid var(--line); background: var(--paper); overflow-y: auto; }
aside > header {
  position: sticky; top: 0; z-index: 1; display: flex; align-items: baseline; justify-content: space-between;
  padding: 1rem 1.1rem; background: var(--paper); border-bottom: 1px solid var(--line);
}
.home { color: var(--ink); font-size: 1.15rem; font-weight: 650; letter-spacing: -.01em; }
.count { color: var(--quiet); font-size: .85rem; }
.none { padding: 2rem 1.1rem; color: var(--quiet); }
aside ol { list-style: none; padding: .4rem; }
aside li a { display: block; padding: .6rem .75rem; border-radius: 8px; color: inherit; }
aside li a:hover { background: var(--desk); }
aside li a[aria-current] { background: var(--chosen); }
.line { display: flex; align-items: center; justify-content: space-between; gap: .75rem; }
.line b, .sender { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.line b { font-weight: 600; }
.subject { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }

.badge {
  --tone: var(--quiet);
  flex: none; padding: .05rem .5rem; border-radius: 99px; font-size: .75rem; font-weight: 600; line-height: 1.5;
  color: var(--tone); background: color-mix(in srgb, var(--tone) 13%, transparent); vertical-align: middle;
}
.badge.sent { --tone: var(--good); }
.badge.softfail, .badge.held { --tone: var(--warn); }
.badge.hardfail, .badge.bounced { --tone: var(--bad); }

main { overflow-y: auto; padding: 1.75rem 2rem; }
h1 { font-size: 1.4rem; line-height: 1.3; letter-spacing: -.015em; font-weight: 650; overflow-wrap: anywhere; }
h1 .badge { margin-left: .4rem; }
h2 { font-size: .8rem; font-weight: 600; color: var(--quiet); margin: 1.25rem 0 .5rem; }
article dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(23rem, 100%), 1fr)); gap: .3rem 2rem; margin: 1rem 0 1.5rem; }
article dl div { display: flex; gap: .75rem; min-width: 0; }
dt { flex: 0 0 6rem; color: var(--quiet); }
dd { overflow-wrap: anywhere; min-width: 0; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 1.5rem; align-items: start; }
.tabs { display: flex; flex-wrap: wrap; gap: .25rem; padding-bottom: .5rem; }
.tabs a { padding: .25rem .7rem; border-radius: 7px; color: var(--quiet); font-size: .9rem; }
.tabs a[aria-current] { color: var(--accent); background: var(--chosen); font-weight: 600; }
.tabs .aside { color: var(--accent); padding-inline: .4rem; }
.tabs .aside:first-of-type, .tabs a:not(.aside) + .aside { margin-left: auto; }
iframe, pre { width: 100%; border: 1px solid var(--line); border-radius: 10px; }
iframe { height: max(24rem, calc(100vh - 19rem)); background: #fff; color-scheme: light; }
pre { padding: 1rem 1.1rem; background: var(--paper); white-space: pre-wrap; overflow-wrap: anywhere; }
.attachments { padding-left: 1.1rem; }

.timeline { padding: .9rem 1.1rem 1.1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); }
.timeline h2 { margin-top: 0; }
.timeline ol { list-style: none; padding: 0; }
.timeline li { position: relative; padding: 0 0 .9rem 1.15rem; border-left: 2px solid var(--line); margin-left: .3rem; }
.timeline li:last-child { padding-bottom: 0; border-color: transparent; }
.timeline li::before {
  --tone: var(--quiet);
  content: ""; position: absolute; left: -.375rem; top: .42rem; width: .6rem; height: .6rem; border-radius: 50%;
  background: var(--tone); box-shadow: 0 0 0 3px var(--paper);
}
.timeline li.sent::before { background: var(--good); }
.timeline li.opened::before, .timeline li.clicked::before { background: var(--accent); }
.timeline li.softfail::before, .timeline li.held::before { background: var(--warn); }
.timeline li.hardfail::before, .timeline li.bounced::before { background: var(--bad); }
.timeline b { font-weight: 600; margin-right: .3rem; }
.timeline p { color: var(--quiet); font-size: .85rem; line-height: 1.4; overflow-wrap: anywhere; }

.guide, .empty { max-width: 44rem; }
.guide p, .empty p { margin: .75rem 0; }
table { border-collapse: collapse; margin: 1.1rem 0; width: 100%; }
th, td { text-align: left; padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 400; white-space: nowrap; }

@media (max-width: 1050px) { .columns { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 700px) {
  body { display: block; height: auto; overflow: visible; }
  aside { border-right: 0; max-height: 45vh; }
  main { padding: 1.25rem 1rem; }
}
`;
