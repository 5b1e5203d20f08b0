/** What a label asks for. */
import { expect, test } from 'vitest'
import { wantedBy } from '../../src/commands/run-options.ts'
import { settingsOf } from '../support/deployment.ts'
import { label } from './asked.ts'

test.each([
  ['codex', '', 'work'],
  ['codex:high', '', 'work'],
  ['codex:plan', '', 'plan'],
  ['codex:ask', '', 'ask'],
  ['Codex:Review', '', 'review'],
  ['codex:nobody-has-it', '', 'work'],
  ['codex:look', 'labels: {look: {plan: true}}', 'plan'],
  ['codex:review', 'labels: {Review: {instruction: Review the docs.}}', 'work'],
])('the label %s, with the settings “%s”, asks for: %s', (name, file, what) =>
  expect(wantedBy({ ...label, label: name }, settingsOf(file))).toBe(what),
)
