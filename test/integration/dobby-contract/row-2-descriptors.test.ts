/** What Dobby's start state (`IDobbyStartState`) does with file descriptors, seen from inside of containers. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../../support/faults.ts';
import { testHob, untilTrue } from '../../support/hob.ts';
import { startStateBench } from '../../support/start-state.ts';

const hob = testHob();
const { put, drop, said, answers, remove } = startStateBench(hob);

beforeAll(() => hob.start());
afterAll(() => hob.dispose());

/** A file of the host with this text, open in the plugin; its name has the directory of the test in it. */
const open = (name: string, text: string): string => `
  fs.writeFileSync('${hob.dir}/${name}', '${text}');
  const ${name} = fs.openSync('${hob.dir}/${name}');`;

/** How often hob, the threads of its plugins with it, holds a file open. */
const openInHob = (file: string): number =>
  readdirSync(`/proc/${hob.pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${hob.pid}/fd/${fd}`) === join(hob.dir, file);
    } catch {
      return false;
    }
  }).length;
/** Statements of a plugin that note the same. */
const notesOpen = (file: string): string => `
  const links = fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } });
  note({ open: links.filter((link) => link === '${hob.dir}/${file}').length });`;

describe('2 addFileDescriptor', () => {
  it('2 addFileDescriptor: the container has the descriptors under the numbers that were answered, from 3, in call order', async () => {
    put(
      'fds',
      `${open('one', 'first')} ${open('two', 'second')}
      note({ numbers: [startState.addFileDescriptor('fds', one), startState.addFileDescriptor('fds', two)] });
      fs.closeSync(one); fs.closeSync(two);`,
    );
    drop('fds', 'cat <&3; echo; cat <&4; echo; ls /proc/self/fd', ['fds']);
    expect((await said('fds')).slice(0, 2)).toEqual(['first', 'second']);
    expect(await answers('fds')).toEqual({ numbers: [3, 4] });
    await remove('fds');
  });

  it('2 addFileDescriptor: a duplicate is kept: the plugin closes its own, and the same one twice gets two numbers', async () => {
    put(
      'twice',
      `${open('same', 'shared')}
      note({ numbers: [startState.addFileDescriptor('twice', same), startState.addFileDescriptor('twice', same)] });
      fs.closeSync(same);`,
    );
    drop('twice', 'cat <&3; echo; cat <&4 && echo', ['twice']);
    // Duplicates share their offset: the second finds the file read.
    expect(await said('twice')).toEqual(['shared', '']);
    expect(await answers('twice')).toEqual({ numbers: [3, 4] });
    await remove('twice');
  });

  it('2 addFileDescriptor: one that is closed, or was never open, is refused with -1', async () => {
    put(
      'closed',
      `${open('shut', 'x')} fs.closeSync(shut);
      note({ numbers: [shut, 9999, -1].map((fd) => startState.addFileDescriptor('closed', fd)) });`,
    );
    drop('closed', 'ls /proc/self/fd', ['closed']);
    expect(await answers('closed')).toEqual({ numbers: [-1, -1, -1] });
    expect((await said('closed')).filter((fd) => Number(fd) > 3)).toEqual([]);
    await remove('closed');
  });

  it('2 addFileDescriptor: one without close-on-exec is refused with -1', async () => {
    // Node opens everything close-on-exec.
    put(
      'leaky',
      `${open('leak', 'x')}
      const fcntl = { arguments: ['int32', 'int32', 'int32'], return: 'int32' };
      const F_SETFD = 2;
      process.getBuiltinModule('node:ffi').dlopen(null, { fcntl }).functions.fcntl(leak, F_SETFD, 0);
      note({ number: startState.addFileDescriptor('leaky', leak) });
      fs.closeSync(leak);`,
    );
    drop('leaky', 'true', ['leaky']);
    expect(await answers('leaky')).toEqual({ number: -1 });
    await untilTrue('its author is told', () => /not close-on-exec/.test(hob.output()));
    await remove('leaky');
  });

  it('2 addFileDescriptor: a container gets 128 of them; the next is refused with -1 (Dobby takes more, and then crun refuses the container)', async () => {
    put(
      'many',
      `${open('each', 'x')}
      const numbers = Array.from({ length: 130 }, () => startState.addFileDescriptor('many', each));
      fs.closeSync(each);
      note({ last: numbers.slice(-4) });`,
    );
    drop('many', 'ls /proc/self/fd', ['many']);
    expect(await answers('many')).toEqual({ last: [129, 130, -1, -1] });
    const numbers = (await said('many')).map(Number);
    expect(Array.from({ length: 128 }, (_, index) => index + 3).every((fd) => numbers.includes(fd))).toBe(true);
    await untilTrue('its author is told', () => /128 file descriptors at most/.test(hob.output()));
    await remove('many');
  });

  it('2 addFileDescriptor: a socket arrives like a file', async () => {
    put(
      'socket',
      `const net = await import('node:net');
      const server = net.createServer({ pauseOnConnect: true }).listen('${hob.dir}/socket');
      net.connect('${hob.dir}/socket').end('by socket');
      const peer = await new Promise((resolve) => server.once('connection', resolve));
      note({ number: startState.addFileDescriptor('socket', peer._handle.fd) });
      peer.destroy();
      server.close();`,
    );
    drop('socket', 'cat <&3; echo', ['socket']);
    expect(await answers('socket')).toEqual({ number: 3 });
    expect(await said('socket')).toEqual(['by socket']);
    await remove('socket');
  });

  it('2 addFileDescriptor: hob closes its duplicates when the container has started', async () => {
    put(
      'closes',
      `${open('handed', 'over')} startState.addFileDescriptor('closes', handed);
      fs.closeSync(handed); ${notesOpen('handed')}`,
    );
    drop('closes', 'cat <&3; echo', ['closes']);
    expect(await said('closes')).toEqual(['over']);
    expect(await answers('closes')).toEqual({ open: 1 });
    await untilTrue('hob holds it no more', () => openInHob('handed') === 0);
    await remove('closes');
  });

  it('2 addFileDescriptor: hob closes its duplicates when postConstruction has failed (0.3 #12-fail)', async () => {
    put(
      'fails',
      `${open('lost', 'x')} startState.addFileDescriptor('fails', lost);
      fs.closeSync(lost); ${notesOpen('lost')} throw new Error('after all');`,
    );
    drop('fails', 'true', ['fails']);
    await untilEvent(hob, 'default/fails', 'BackOff', /./);
    expect(await answers('fails')).toEqual({ open: 1 });
    await untilTrue('hob holds it no more', () => openInHob('lost') === 0);
    await remove('fails');
  });
});

describe('2 files', () => {
  it('2 files(): all descriptors in order; files(name): those recorded under it; each open in the plugin', async () => {
    put(
      'lists',
      `${open('alpha', 'a')} ${open('beta', 'b')}
      startState.addFileDescriptor('mine', alpha);
      startState.addFileDescriptor('theirs', beta);
      startState.addFileDescriptor('mine', beta);
      const contents = (fds) => fds.map((fd) => fs.readlinkSync('/proc/self/fd/' + fd).split('/').at(-1));
      note({ all: contents(startState.files()), mine: contents(startState.files('mine')),
        theirs: contents(startState.files('theirs')), nobody: startState.files('nobody') });
      fs.closeSync(alpha); fs.closeSync(beta);`,
    );
    drop('lists', 'true', ['lists']);
    expect(await answers('lists')).toEqual({
      all: ['alpha', 'beta', 'beta'],
      mine: ['alpha', 'beta'],
      theirs: ['beta'],
      nobody: [],
    });
    await remove('lists');
  });

  it('2 numbering: goes on from plugin to plugin, in the order of the spec (Dobby: the caller’s come first; a hob spec has none)', async () => {
    for (const name of ['later', 'earlier'])
      put(
        name,
        `${open(`of_${name}`, name)}
        note({ before: startState.files().length, number: startState.addFileDescriptor('${name}', of_${name}) });
        fs.closeSync(of_${name});`,
      );
    drop('numbering', 'cat <&3; echo; cat <&4; echo', ['later', 'earlier']);
    expect(await said('numbering')).toEqual(['later', 'earlier']);
    expect(await answers('numbering', 'later')).toEqual({ before: 0, number: 3 });
    expect(await answers('numbering', 'earlier')).toEqual({ before: 1, number: 4 });
    await remove('numbering');
  });
});
