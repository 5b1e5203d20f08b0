import { z } from 'zod'
import type { WrittenOnce } from './pinned-accounts.ts'

const First = z.object({ by: z.string() })

/** @returns whether `id` is the first of that name; a repeated call gives the same */
export const firstIn =
  (records: WrittenOnce) =>
  async (name: string, by: string): Promise<boolean> => {
    await records.add(name, { by })
    return First.safeParse((await records.get(name))?.data).data?.by === by
  }
