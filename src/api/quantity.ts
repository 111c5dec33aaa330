/** Kubernetes quantities: a number and a unit, `64Mi`, `500m`, `1.5`. */

const units: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Bytes in 1Mi, the least memory limit that makes sense. */
export const mebibyte = 2 ** 20;

/**
 * Bytes of a memory quantity; a fraction of a byte is rounded up, as Kubernetes does.
 * @throws Error that says what is wrong with it
 */
export function memoryBytes(quantity: number | string): number {
  const { amount, unit } = typeof quantity === 'number' ? { amount: quantity, unit: '' } : split(quantity, 'memory');
  if (unit === 'm') throw new Error('"m" is a thousandth of a byte: write M (1000 x 1000) or Mi (1024 x 1024)');
  const bytes = Math.ceil(amount * (units[unit] ?? NaN));
  if (!(bytes >= 0)) throw new Error('it must not be negative');
  if (bytes > Number.MAX_SAFE_INTEGER) throw new Error('it must be less than 8Pi');
  return bytes;
}

/**
 * CPUs of a CPU quantity: 0.5 for `500m`.
 * @throws Error that says what is wrong with it
 */
export function cpuCount(quantity: number | string): number {
  if (typeof quantity === 'number') return quantity;
  const { amount, unit } = split(quantity, 'cpu');
  if (unit !== '' && unit !== 'm') throw new Error(`the unit of CPUs is none or m (a thousandth), not ${unit}`);
  return amount * (unit === 'm' ? 1e-3 : 1);
}

function split(text: string, of: 'memory' | 'cpu'): { amount: number; unit: string } {
  const [, number = '', space = '', unit = ''] =
    /^([+-]?[0-9.]*(?:[eE][+-]?[0-9]{1,2})?)(\s*)(.*)$/s.exec(text.slice(0, 64)) ?? [];
  if (!/^\+?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]+)?$/.test(number))
    throw new Error(notANumber(number, of));
  if (space !== '') throw new Error('there must be no space in it');
  if (units[unit] === undefined) throw new Error(unknownUnit(unit, of));
  return { amount: Number(number), unit };
}

function notANumber(number: string, of: 'memory' | 'cpu'): string {
  if (number.startsWith('-')) return 'it must not be negative';
  return of === 'memory'
    ? 'it must be a number and a unit, such as 64Mi or 1G'
    : 'it must be a number of CPUs, such as 500m or 2';
}

function unknownUnit(unit: string, of: 'memory' | 'cpu'): string {
  if (of === 'cpu') return 'the unit of CPUs is none or m (a thousandth)';
  const meant = likelyUnit(unit);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `the units of memory are Ki, Mi, Gi, Ti, Pi (1024) and k, M, G, T, P (1000)${hint}`;
}

/** `MB` is meant to be `M`, `kib` to be `Ki`, `g` to be `G`. */
function likelyUnit(unit: string): string | undefined {
  const bare = unit.toLowerCase().replace(/b(ytes?)?$/, '');
  return Object.keys(units).find((known) => known !== '' && known !== 'm' && known.toLowerCase() === bare);
}
