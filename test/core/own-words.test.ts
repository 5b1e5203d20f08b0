import { expect, test } from 'vitest'
import { inOwnWords } from '../../src/core/words/words.ts'

const text =
  'Say `/codex stop`.\n/codex fix it\n\n> write `/codex stop`\n\nSee `.github/codex.yml` and codex/issue-7.'

test('the bot’s sentences name it as it is called, and words of others stay', () => {
  expect(inOwnWords(text, 'robo')).toBe(
    'Say `/robo stop`.\n/robo fix it\n\n> write `/codex stop`\n\nSee `.github/codex.yml` and codex/issue-7.',
  )
  expect(inOwnWords(text, 'codex')).toBe(text)
})
