// Gives each container a descriptor, and has it held.

import { closeSync, openSync } from 'node:fs';

export default () => ({
  name: 'giver',
  hookHints: 1,
  postConstruction(_id, startState) {
    const fd = openSync('/dev/null', 'r');
    const isTaken = startState.addFileDescriptor('giver', fd, { hold: true });
    closeSync(fd);
    return isTaken !== 0;
  },
});
