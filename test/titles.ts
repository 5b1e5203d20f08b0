/** A title means something alone, as it is read when it is red: none begins with what joins it to another. */
import { beforeEach, expect } from 'vitest'

const joining =
  /^(?:nor|and|but|or|then|also|so|either|neither|still|else|though)\b|\b(?:too|either|as well)$/

beforeEach(({ task }) => {
  expect([task.name, task.suite?.name ?? ''].filter(title => joining.test(title))).toEqual([])
})
