import { html, type Markup } from './html.ts';
import { recipientOutcomes } from './outcomes.ts';

/** What a newcomer can do with the mailbox: shown while no message is chosen. */
export function outcomeGuide(speed: number): Markup {
  const rows = Object.entries(recipientOutcomes).map(
    ([name, { means }]) =>
      html`<tr>
        <th scope="row"><code>${name}@…</code></th>
        <td>${means}</td>
      </tr>`,
  );
  return html`<section class="guide">
    <h1>Every message ends up here</h1>
    <p>
      Mail to any address is delivered into this mailbox and nowhere else. Some names choose another ending,
      with or without <code>+anything</code> behind them:
    </p>
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <p class="quiet">
      A minute of Postal's retry schedules takes ${Math.round((60 / speed) * 100) / 100} s here. What was
      delivered is also there as JSON: <a href="/_stand-in/mailbox.json">mailbox.json</a>.
    </p>
  </section>`;
}
