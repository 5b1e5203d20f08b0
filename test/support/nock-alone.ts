/** Nobody is reached but whom nock stands for: all that it stands for is asked, and nobody else. */
import nock from 'nock'
import { afterEach, beforeEach, expect } from 'vitest'

/** Without it, what is sent once too often has no answer, as if it had never been sent. */
const strays: string[] = []
const note = ({ method = '', path = '' }: { method?: string; path?: string }): void =>
  void strays.push(`${method} ${path}`)

export function nockAlone(): void {
  beforeEach(() => {
    nock.disableNetConnect()
    nock.emitter.on('no match', note)
  })
  afterEach(() => {
    nock.emitter.off('no match', note)
    const unused = nock.pendingMocks()
    nock.cleanAll()
    nock.enableNetConnect()
    expect({ unused, strays: strays.splice(0) }).toEqual({ unused: [], strays: [] })
  })
}
