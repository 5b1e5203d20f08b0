/**
 * Works a suspect alone. A job that was at work when its process died may have killed it, so the next process works it
 * while nothing else is worked, in none of its queues. Neither the suspect nor the others wait for long.
 */

/** A suspect waits so many ms to be alone, and others wait so many ms until they may begin beside it. */
const ALONE_MS = 10_000

interface Entry {
  isAlone: boolean
  leave(): void
}

export class WorkInProcess {
  #atWork = 0
  #isAlone = false
  #wantAlone: (() => void)[] = []
  #others: (() => void)[] = []

  async enter(): Promise<Entry> {
    if (this.#isAlone || this.#wantAlone.length > 0)
      await new Promise<void>(resolve => this.#others.push(resolve))
    else this.#atWork += 1
    return this.#placed(false, () => {})
  }

  /** @param lasted called when others are let in beside it, if it has not left by then */
  async enterAlone(lasted: () => void): Promise<Entry> {
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

  #placed(isAlone: boolean, left: () => void): Entry {
    return {
      isAlone,
      leave: () => {
        this.#atWork -= 1
        left()
        this.#goOn()
      },
    }
  }

  async #untilAlone(): Promise<boolean> {
    if (this.#atWork === 0) return this.#takeAlone()
    return new Promise(resolve => {
      const begin = () => {
        clearInterval(timer)
        resolve(this.#takeAlone())
      }
      // Nobody knows how long those before it in line take.
      const timer = setInterval(() => {
        if (this.#isAlone || this.#wantAlone[0] !== begin) return
        clearInterval(timer)
        this.#wantAlone.shift()
        this.#atWork += 1
        resolve(false)
        this.#goOn()
      }, ALONE_MS)
      this.#wantAlone.push(begin)
    })
  }

  #takeAlone(): true {
    this.#atWork += 1
    this.#isAlone = true
    return true
  }

  /** Jobs that waited for a suspect to end go before the next suspect. */
  #goOn(): void {
    if (this.#isAlone) return
    if (this.#wantAlone.length === 0) this.#letOthersIn()
    else if (this.#atWork === 0) this.#wantAlone.shift()?.()
  }

  #letOthersIn(): void {
    this.#atWork += this.#others.length
    for (const begin of this.#others.splice(0)) begin()
  }
}
