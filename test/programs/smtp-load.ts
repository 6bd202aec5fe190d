// A client that sends as fast as it is answered: asked over IPC for one load after another, each answered with what it measured.
import { type Load, runLoad } from '../bench/relay/load.ts';

process.on('message', (load: Load) => {
  void runLoad(load).then((measured) => process.send?.(measured));
});
process.once('disconnect', () => process.exit());
