import { describe, expect, it } from 'vitest';
import { explain } from '../../src/api/explain.ts';
import { fieldsOf, rootSchema, type SchemaNode } from '../../src/api/known-fields.ts';

describe('explain', () => {
  it('tells of a field its type, what it is for, and its fields with what is required and the defaults', () => {
    const text = explain('spec.plugins');
    expect(text).toContain('FIELD:    spec.plugins <[]object>\n');
    expect(text).toMatch(/DESCRIPTION:\n {4}The plugins that take part/);
    expect(text).toContain('  name <string>  -required-\n');
    expect(text).toContain('  data <any>\n');
    expect(text).toMatch(/ {2}timeoutSeconds <integer>\n {4}Seconds .*\n {4}from 1 to 86400\n {4}default: 30\n/);
  });

  it('tells the choices and the quantities', () => {
    expect(explain('spec.restartPolicy')).toContain('one of: Always, OnFailure, Never\n    default: Always\n');
    expect(explain('spec.resources')).toContain('  memory <quantity>\n');
    expect(explain('spec.sysctls')).toContain('<map[string]string>');
  });

  it('tells of the node that keeps it', () => {
    expect(explain('spec')).toContain('  nodeName <string>\n');
    expect(explain('spec.nodeSelector')).toContain('<map[string]string>');
    expect(explain('status')).toContain('  nodeName <string>\n');
  });

  it('begins with the Container, and takes paths as people write them', () => {
    expect(explain()).toBe(explain('container'));
    expect(explain()).toMatch(/^KIND: +Container\nVERSION: +hob\.dev\/v1alpha1\n/);
    expect(explain('Container.spec.env[0].name')).toBe(explain('spec.env.name'));
  });

  it('has something to tell of every field, in lines of a hundred characters at most', () => {
    const visit = (node: SchemaNode, path: string): void => {
      for (const [name, field] of Object.entries(fieldsOf(node))) {
        const text = explain(`${path}${name}`);
        for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
        visit(field, `${path}${name}.`);
      }
    };
    visit(rootSchema, '');
  });

  it.each([
    ['spec.resorces', 'there is no field resorces in spec; did you mean resources?'],
    ['spec.labels', 'there is no field labels in spec; did you mean metadata.labels?'],
    ['nothing', 'there is no field nothing in a Container'],
    ['spec.env.toString', 'there is no field toString in spec.env'],
  ])('of %s it says that there is none', (path, message) => {
    expect(() => explain(path)).toThrow(new Error(message));
  });
});
