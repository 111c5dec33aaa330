import { describe, expect, it } from 'vitest';
import { belongsTo } from '../../src/api/placement.ts';

const node = { name: 'one', labels: { disk: 'fast', zone: '', 'example.org/rack': '7' } };

describe('a container belongs to a node', () => {
  it.each([
    ['when it says nothing', {}],
    ['when it names the node', { nodeName: 'one' }],
    ['when it asks for no label', { nodeSelector: {} }],
    ['when the node has the label', { nodeSelector: { disk: 'fast' } }],
    ['when the node has all labels', { nodeSelector: { 'example.org/rack': '7', disk: 'fast', zone: '' } }],
    ['when it names the node and the node has the label', { nodeName: 'one', nodeSelector: { disk: 'fast' } }],
  ])('%s', (_, spec) => {
    expect(belongsTo(spec, node)).toBe(true);
  });
});

describe('a container does not belong to a node', () => {
  it.each([
    ['when it names another', { nodeName: 'two' }],
    ['when it names another, whatever its labels', { nodeName: 'two', nodeSelector: { disk: 'fast' } }],
    ['when the label has another value', { nodeSelector: { disk: 'slow' } }],
    ['when one of the labels is missing', { nodeSelector: { disk: 'fast', gpu: 'yes' } }],
    ['when the label is missing and should be empty', { nodeSelector: { gpu: '' } }],
    ['when it names the node and the label is missing', { nodeName: 'one', nodeSelector: { gpu: 'yes' } }],
    ['when the label has the name of what objects inherit', { nodeSelector: { toString: 'x' } }],
  ])('%s', (_, spec) => {
    expect(belongsTo(spec, node)).toBe(false);
  });
});
