import { hobVariables, type PluginSetting } from '../plugin-variables.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** What the process had before, then what all that are under test now are told. */
const told: Variables[] = [];

/**
 * Tell modules, which have the variables of this process, those that hob sets: of what was made last.
 * @returns how to take them back
 */
export function tellVariables(setting: PluginSetting): () => void {
  const variables: Variables = hobVariables(setting);
  if (told.length === 0) told.push(valuesNow(Object.keys(variables)));
  told.push(variables);
  setLast();
  return () => {
    const index = told.indexOf(variables);
    if (index < 0) return;
    told.splice(index, 1);
    setLast();
    if (told.length === 1) told.pop();
  };
}

const valuesNow = (names: readonly string[]): Variables =>
  Object.fromEntries(names.map((name) => [name, process.env[name]]));

function setLast(): void {
  for (const [name, value] of Object.entries(told.at(-1) ?? {})) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
