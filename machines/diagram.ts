import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

export interface DiagramOptions {
  /** The state that only finds where to begin: its ways to everywhere would hide the picture, so they are left out. */
  readonly entering: string;
  /** Only the outermost states, and no labels. */
  readonly overview?: boolean;
}

/** A Mermaid state diagram of a machine, drawn from the machine itself. */
export function mermaid(machine: AnyStateMachine, options: DiagramOptions): string {
  const lines = options.overview ? drawOverview(machine.root, options) : drawState(machine.root, 1, options);
  return ['stateDiagram-v2', ...lines].join('\n');
}

function drawState(node: AnyStateNode, depth: number, options: DiagramOptions): string[] {
  const indent = '    '.repeat(depth);
  const children = childrenOf(node, options);
  const nested = children.flatMap((child) =>
    isAtomic(child) ? [] : [`${indent}state ${child.key} {`, ...drawState(child, depth + 1, options), `${indent}}`],
  );
  const arrows = new Set(children.flatMap((child) => transitionsOf(child).flatMap(drawArrow)));
  return [...nested, ...[...beginning(children), ...arrows, ...endings(children)].map((line) => indent + line)];
}

function drawOverview(root: AnyStateNode, options: DiagramOptions): string[] {
  const children = childrenOf(root, options);
  const arrows = new Set(children.flatMap((child) => withDescendants(child).flatMap(transitionsOf).flatMap(liftArrow)));
  return [...beginning(children), ...arrows, ...endings(children)].map((line) => `    ${line}`);
}

const isAtomic = (node: AnyStateNode): boolean => Object.keys(node.states).length === 0;

const childrenOf = (node: AnyStateNode, { entering }: DiagramOptions): AnyStateNode[] =>
  Object.values(node.states).filter(({ key }) => key !== entering);

const withDescendants = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(withDescendants),
];

const beginning = ([first]: AnyStateNode[]): string[] => (first ? [`[*] --> ${first.key}`] : []);

const endings = (children: AnyStateNode[]): string[] =>
  children.filter(({ type }) => type === 'final').map(({ key }) => `${key} --> [*]`);

const transitionsOf = (node: AnyStateNode): AnyTransitionDefinition[] => [
  ...(node.always ?? []),
  ...[...node.transitions.values()].flat(),
];

/** A transition without a target only takes note of something: no arrow. */
function drawArrow(transition: AnyTransitionDefinition): string[] {
  const label = labelOf(transition);
  const arrow = (target: AnyStateNode): string => `${transition.source.key} --> ${target.key}`;
  return (transition.target ?? []).map((target) => (label ? `${arrow(target)} : ${label}` : arrow(target)));
}

/** An arrow between the outermost states around its ends. */
function liftArrow({ source, target }: AnyTransitionDefinition): string[] {
  const ends = (target ?? []).map((node) => [outermost(source), outermost(node)] as const);
  return ends.filter(([from, to]) => from !== to).map(([from, to]) => `${from} --> ${to}`);
}

const outermost = (node: AnyStateNode): string => node.path[0] ?? node.key;

function labelOf({ eventType, guard, source }: AnyTransitionDefinition): string {
  const condition = guardName(guard);
  return [eventName(String(eventType), source), condition && `[${condition}]`].filter(Boolean).join(' ');
}

/** What an effect answered is named after the effect; a transition that waits for nothing has no event. */
function eventName(type: string, source: AnyStateNode): string {
  const effect = source.invoke.find(({ id }) => type.endsWith(`.${id}`));
  if (!effect) return type;
  const name = typeof effect.src === 'string' ? effect.src : effect.id;
  return `${name} ${type.startsWith('xstate.error') ? 'failed' : 'done'}`;
}

function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
  return typeof guard === 'function' ? composedGuardName(guard) : '';
}

/** `and([...])` and `not(...)` are functions that carry what they are made of. */
function composedGuardName(guard: object): string {
  const guards: unknown = Reflect.get(guard, 'guards');
  if (!Array.isArray(guards)) return '';
  const names = guards.map(guardName);
  return names.length === 1 ? `not ${names[0]}` : names.join(' and ');
}
