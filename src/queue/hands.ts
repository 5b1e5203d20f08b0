/** ms until it goes on in company, and ms until others may begin beside it. */
const ALONE_MS = 10_000

interface InHand {
  isAlone: boolean
  leave(): void
}

/**
 * What this process has in hand, over all its queues. A job that was in hand at a death may have been the cause, so it
 * is worked while nothing else is. Neither the others nor that one wait for long.
 */
export class Hands {
  #inHand = 0
  #isAlone = false
  #wantAlone: (() => void)[] = []
  #others: (() => void)[] = []

  async enter(): Promise<InHand> {
    if (this.#isAlone || this.#wantAlone.length > 0)
      await new Promise<void>(resolve => this.#others.push(resolve))
    else this.#inHand += 1
    return this.#placed(false, () => {})
  }

  /** @param lasted called when others are let in beside it, if it has not left by then */
  async enterAlone(lasted: () => void): Promise<InHand> {
    const isAlone = await this.#untilAlone()
    if (!isAlone) return this.#placed(false, () => {})
    const timer = setTimeout(() => {
      this.#isAlone = false
      lasted()
      this.#goOn()
    }, ALONE_MS)
    return this.#placed(true, () => {
      clearTimeout(timer)
      if (!this.#isAlone) return
      this.#isAlone = false
      this.#letOthersIn()
    })
  }

  #placed(isAlone: boolean, left: () => void): InHand {
    return {
      isAlone,
      leave: () => {
        this.#inHand -= 1
        left()
        this.#goOn()
      },
    }
  }

  async #untilAlone(): Promise<boolean> {
    if (this.#inHand === 0) return this.#takeAlone()
    return new Promise(resolve => {
      const begin = () => {
        clearInterval(timer)
        resolve(this.#takeAlone())
      }
      // Those before it in line take as long as they take.
      const timer = setInterval(() => {
        if (this.#isAlone || this.#wantAlone[0] !== begin) return
        clearInterval(timer)
        this.#wantAlone.shift()
        this.#inHand += 1
        resolve(false)
        this.#goOn()
      }, ALONE_MS)
      this.#wantAlone.push(begin)
    })
  }

  #takeAlone(): true {
    this.#inHand += 1
    this.#isAlone = true
    return true
  }

  /** Those who waited for one that was alone come before the next such one. */
  #goOn(): void {
    if (this.#isAlone) return
    if (this.#wantAlone.length === 0) this.#letOthersIn()
    else if (this.#inHand === 0) this.#wantAlone.shift()?.()
  }

  #letOthersIn(): void {
    this.#inHand += this.#others.length
    for (const begin of this.#others.splice(0)) begin()
  }
}
