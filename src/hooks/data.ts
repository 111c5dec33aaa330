/**
 * Reading a plugin's `data`: each field by its name and type, with words for people where it is something else.
 */

/**
 * What can be asked of an object of `data`. Each answers undefined where the field is not there, and throws an Error that names the
 * field, the type expected, and what was found, where it is something else.
 */
export interface DataFields {
  string(name: string): string | undefined;
  boolean(name: string): boolean | undefined;
  integer(name: string, range?: { readonly min?: number; readonly max?: number }): number | undefined;
  strings(name: string): readonly string[] | undefined;
  /** An object of its own. */
  object(name: string): DataFields | undefined;
  /** A list of objects. */
  objects(name: string): readonly DataFields[] | undefined;
  /** The Error for a field that has to be there, or of which more is asked than its type. `expected` is in words: "an IPv4 address". */
  wrong(name: string, expected: string): Error;
  /** Throws an Error when there are fields that nobody has asked for, here or in the objects read from here; it names those that were. Call it last. */
  end(): void;
}

const MAX_SHOWN = 80;

/**
 * Begin to read `data`. Null (the spec has none) reads like `{}`. Throws an Error when it is anything but an object.
 *
 * ```ts
 * const fields = readData(data);
 * const tag = fields.string('name') ?? id;
 * const port = fields.integer('port', { min: 1, max: 65535 });
 * fields.end();
 * if (port === undefined) throw fields.wrong('port', 'an integer from 1 to 65535');
 * ```
 */
export function readData(data: unknown): DataFields {
  return fieldsOf(data ?? {}, 'data');
}

function fieldsOf(found: unknown, place: string): DataFields {
  if (!isObject(found)) throw expected(place, 'an object', found);
  const value = found;
  const asked = new Map<string, DataFields | readonly DataFields[] | undefined>();

  function read<T>(name: string, what: string, is: (field: unknown) => field is T): T | undefined {
    if (!asked.has(name)) asked.set(name, undefined);
    const field = value[name];
    if (field === undefined || is(field)) return field;
    throw expected(`${place}.${name}`, what, field);
  }
  const within = <T extends DataFields | readonly DataFields[] | undefined>(name: string, fields: T): T => {
    asked.set(name, fields);
    return fields;
  };

  return {
    string: (name) => read(name, 'a string', isString),
    boolean: (name) => read(name, 'true or false', isBoolean),
    strings: (name) => read(name, 'a list of strings', isStrings),
    integer(name, { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = {}) {
      const what = `an integer${rangeOf(min, max)}`;
      return read(name, what, (field): field is number => isInteger(field) && field >= min && field <= max);
    },
    object(name) {
      const field = read(name, 'an object', isObject);
      return within(name, field && fieldsOf(field, `${place}.${name}`));
    },
    objects(name) {
      const list = read(name, 'a list of objects', isList);
      return within(
        name,
        list?.map((field, index) => fieldsOf(field, `${place}.${name}[${index}]`)),
      );
    },
    wrong: (name, what) => expected(`${place}.${name}`, what, value[name]),
    end() {
      const unknown = Object.keys(value).find((name) => !asked.has(name));
      if (unknown !== undefined) throw unknownField(place, unknown, [...asked.keys()]);
      for (const inner of asked.values()) [inner ?? []].flat().forEach((fields) => fields.end());
    },
  };
}

function unknownField(place: string, name: string, known: readonly string[]): Error {
  const nothing = place === 'data' ? 'it takes no data' : 'there are none';
  const fields = known.length > 0 ? `there are ${known.join(', ')}` : nothing;
  return new Error(`${place}.${name} is not a field of this plugin; ${fields}`);
}

const rangeOf = (min: number, max: number): string => {
  if (max !== Number.MAX_SAFE_INTEGER)
    return min === Number.MIN_SAFE_INTEGER ? ` of ${max} or less` : ` from ${min} to ${max}`;
  return min === Number.MIN_SAFE_INTEGER ? '' : ` of ${min} or more`;
};

const expected = (path: string, what: string, found: unknown): Error =>
  new TypeError(`${path} must be ${what}${found === undefined ? ' and is missing' : `, not ${shown(found)}`}`);

/** Enough of a value to find it by. */
function shown(found: unknown): string {
  const text = JSON.stringify(found) ?? typeof found;
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === 'string';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every(isString);
