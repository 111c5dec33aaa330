import { statSync } from 'node:fs';
import type { ContainerSpec } from '../../api/container.ts';
import { wordsOf } from '../../host/errors.ts';
import type { DeviceStat, OciInput } from './input.ts';
import type { OciDevice, OciDocument, OciMount } from './types.ts';

type DeviceWish = NonNullable<ContainerSpec['devices']>[number];

/**
 * Give the container the device nodes that the spec asks for, and the right to use them.
 * @throws Error when one of them is not on this host
 */
export function withDevices(document: OciDocument, { spec, statDevice = statSync }: OciInput): OciDocument {
  const { devices: wishes = [], userNamespace } = spec;
  if (wishes.length === 0) return document;
  const { linux, mounts } = document;
  const found = wishes.map((wish) => ({ wish, device: deviceOf(wish, statDevice) }));
  const rules = found.map(({ wish, device: { type, major, minor } }) => ({
    allow: true,
    type,
    major,
    minor,
    access: wish.permissions,
  }));
  const resources = { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...rules] };
  // A node that is made in a user namespace cannot be opened, so there the node of the host is mounted.
  if (userNamespace)
    return { ...document, mounts: [...mounts, ...wishes.map(boundNode)], linux: { ...linux, resources } };
  const devices = [...(linux.devices ?? []), ...found.map(({ device }) => device)];
  return { ...document, linux: { ...linux, resources, devices } };
}

function boundNode({ path, hostPath = path }: DeviceWish): OciMount {
  return { destination: path, type: 'bind', source: hostPath, options: ['bind', 'nosuid', 'noexec'] };
}

/** Owner and mode are those of the host's node. */
function deviceOf({ path, hostPath = path }: DeviceWish, stat: DeviceStat): OciDevice {
  const node = statOf(hostPath, stat);
  const type = node.isCharacterDevice() ? 'c' : node.isBlockDevice() ? 'b' : undefined;
  if (type === undefined)
    throw new Error(`device ${hostPath} is no device: it is neither a character nor a block device`);
  return { path, type, ...numbersOf(node.rdev), fileMode: node.mode & 0o777, uid: node.uid, gid: node.gid };
}

function statOf(path: string, stat: DeviceStat): ReturnType<DeviceStat> {
  try {
    return stat(path);
  } catch (cause) {
    throw new Error(`device ${path} is not on this host: ${wordsOf(cause)}`, {
      cause,
    });
  }
}

/** As the kernel packs device numbers for programs: 12 bits of major between the low 8 and the high 12 bits of minor. */
function numbersOf(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
