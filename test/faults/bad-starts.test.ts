import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { makeRootfs, runsForever, testHob, untilTrue } from '../support/hob.ts';

/** A PATH with what hob's own scripts need, and no crun until there is one. */
const programs = join(process.cwd(), 'never');
const which = (name: string): string => execFileSync('/bin/sh', ['-c', 'command -v "$0"', name]).toString().trim();
const crun = which('crun');

const hob = testHob({ env: { PATH: programs } });
const bin = join(hob.dir, 'bin');
