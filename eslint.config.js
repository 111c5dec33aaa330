import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import typescript from 'typescript-eslint';

/** What the compiler cannot say: promises nobody waits for, `any` by the back door, and functions that do too much. */
const inTypeScript = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/explicit-module-boundary-types': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
  ],
  '@typescript-eslint/consistent-type-imports': 'error',
  // `async` alone is worth something: it turns a throw into a rejection, as callers of an interface expect.
  '@typescript-eslint/require-await': 'off',
  // Objects here are made of closures, whose methods need no `this`.
  '@typescript-eslint/unbound-method': 'off',
  // Numbers and booleans in messages are read as they are.
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
};

const inAllCode = {
  // `??` and `?.` count as well, and plain conversions of optional fields have many.
  complexity: ['error', 12],
  'max-depth': ['error', 3],
  'max-params': ['error', 5],
  'max-lines': ['error', 250],
  'no-console': 'error',
  eqeqeq: 'error',
};

const globalsOfNode = Object.fromEntries(
  ['process', 'module', 'console', 'Buffer', 'URL', 'AbortSignal', 'setTimeout', 'clearTimeout'].map((name) => [
    name,
    'readonly',
  ]),
);

export default defineConfig(
  { ignores: ['node_modules/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [eslint.configs.recommended, typescript.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { ...inAllCode, ...inTypeScript },
  },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    extends: [eslint.configs.recommended],
    languageOptions: { globals: globalsOfNode },
    rules: inAllCode,
  },
  {
    // What a plugin prints goes to hob's log.
    files: ['plugins/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Tests say much in one place, and their promises are vitest's to wait for.
    files: ['test/**'],
    rules: {
      'max-lines': 'off',
      'no-console': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // expect.stringContaining and its like are `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
);
