/** What is done once, whoever asks for it at the same time, is done for the first. */
import { z } from 'zod'

interface WrittenOnce {
  add(id: string, data: unknown): Promise<unknown>
  get(id: string): Promise<{ data: unknown } | undefined>
}

const First = z.object({ by: z.string() })

/** @returns whether `by` is the first of that name; a repeated call gives the same */
export const firstIn =
  (records: WrittenOnce) =>
  async (name: string, by: string): Promise<boolean> => {
    await records.add(name, { by })
    return First.safeParse((await records.get(name))?.data).data?.by === by
  }
