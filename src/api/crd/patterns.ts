import { capabilityNames } from '../capabilities.ts';

/**
 * What an API server can check of the formats of `formats.ts`. Patterns are of RE2, which looks neither ahead nor back.
 *
 * Never stricter than hob itself, and where a pattern that says it all would be no help to read, laxer: hob looks at
 * each container again.
 */
export const constraints: Readonly<Record<string, object>> = {
  'absolute-path': { pattern: '^/', maxLength: 4095, not: { pattern: '(^|/)[.][.](/|$)' } },
  capability: { pattern: `^(CAP_)?(ALL|${capabilityNames.join('|')})$` },
  'cpu-list': { pattern: listOf('[0-9]{1,4}(-[0-9]{1,4})?'), maxLength: 4095 },
  'cpu-quantity': { pattern: quantity('m') },
  'date-time': { format: 'date-time' },
  'device-permissions': { pattern: '^(r?w?m|r?w|r)$' },
  'dns-label': { pattern: `^${dnsLabel()}$` },
  'dns-subdomain': { pattern: `^${dnsLabel()}([.]${dnsLabel()})*$` },
  'env-name': { pattern: '^[A-Za-z_.-][A-Za-z0-9_.-]*$' },
  hostname: { pattern: '^[A-Za-z0-9]+([.-]+[A-Za-z0-9]+)*$', maxLength: 63 },
  'label-value': { pattern: '^([A-Za-z0-9]+([._-]+[A-Za-z0-9]+)*)?$', maxLength: 63 },
  'memory-limit': { pattern: quantity('k|[MGTPE]|[KMGTPE]i') },
  'memory-quantity': { pattern: quantity('k|[MGTPE]|[KMGTPE]i') },
  'mount-type': { pattern: '^[A-Za-z0-9._-]+$' },
  'no-nul': { pattern: '^[^\\x00]*$' },
  signal: { pattern: `^SIG(${signals()})$` },
};

function dnsLabel(): string {
  return '[a-z0-9]+(-+[a-z0-9]+)*';
}

function listOf(item: string): string {
  return `^${item}(,${item})*$`;
}

function quantity(units: string): string {
  return `^[+]?([0-9]{1,20}([.][0-9]{0,20})?|[.][0-9]{1,20})([eE][+-]?[0-9]{1,2})?(${units})?$`;
}

/** Those of Linux; what Node knows depends on the system that it runs on, and a manifest must not. */
function signals(): string {
  const upTo30 = '([1-9]|[12][0-9]|30)';
  const standard =
    'ABRT ALRM BUS CHLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU UNUSED URG USR1 USR2 VTALRM WINCH XCPU XFSZ';
  return `${standard.replaceAll(' ', '|')}|RTMIN([+]${upTo30})?|RTMAX(-${upTo30})?`;
}
