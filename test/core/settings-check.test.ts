import { expect, test } from 'vitest'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { settingsCheck } from '../../src/core/words/settings-check.ts'

const checkOf = (text: string) => settingsCheck(settingsFile.read(text).problems)

test('a file that can be read', () => {
  expect(checkOf('model: gpt-5')).toMatchInlineSnapshot(`
    {
      "name": "codex settings",
      "state": "success",
      "summary": "It takes effect once it is on the default branch. \`/codex config\` then shows the settings.",
      "title": ".github/codex.yml is correct",
    }
  `)
})

test('all that is wrong, each on its line', () => {
  expect(checkOf('modle: x\nlimits:\n  person: 0\n')).toMatchInlineSnapshot(`
    {
      "annotations": [
        {
          "line": 1,
          "message": "modle is not a setting",
          "path": ".github/codex.yml",
        },
        {
          "line": 3,
          "message": "limits.person can't be 0: use 1 or more",
          "path": ".github/codex.yml",
        },
      ],
      "name": "codex settings",
      "state": "failure",
      "summary": "With these problems, the last correct version still applies.
    - line 1: \`modle\` is not a setting
    - line 3: \`limits.person\` can't be \`0\`: use 1 or more",
      "title": "2 problems in .github/codex.yml",
    }
  `)
})

test('no more than GitHub takes, and how many more there are', () => {
  const { title, summary, annotations } = checkOf(Array.from({ length: 60 }, (_, n) => `x${n}: 1`).join('\n'))
  expect(title).toBe('60 problems in .github/codex.yml')
  expect(annotations).toHaveLength(50)
  expect(summary).toMatch(/- and 10 more$/)
})

test('a file without lines to name is told on its first', () =>
  expect(checkOf(`# ${'x'.repeat(100_000)}`).annotations).toMatchObject([{ line: 1 }]))
