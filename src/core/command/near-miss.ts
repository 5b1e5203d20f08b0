/**
 * Slips of the keyboard: one letter too many, too few or wrong, or two neighbours swapped; in a long name, two of these.
 * A slip of a command's name is told, since it would start a run otherwise. A word of the language is none.
 */
import { distance } from 'fastest-levenshtein'

/** English words, and words of programmers, that are as close to a command's name as a slip. */
const ordinaryWords = new Set(
  (
    'clan elan flan lan pan plain plane plank plans plant plat play ' +
    'preview reviews ' +
    'ark as ash asks asp ass bask cask mask task ' +
    'appose apprise approval approved approver approvers approves approx ' +
    'confine continua continual continued continues continuum ' +
    'retro ' +
    'atop shop slop sop step stomp stoop stops stow strop swop top ' +
    'cancels cancer ' +
    'states stats statue stratus ' +
    'configs confit ' +
    'doctors ' +
    'heap held hell helm helps hemp kelp whelp yelp'
  ).split(' '),
)

/** Letters of a name in which two slips are one. */
export const longName = 7

/** @param isAlone nothing follows it, which is rarely an instruction */
export function commandMeant(
  given: string,
  names: readonly string[],
  isAlone: boolean,
): string | undefined {
  const known = names.filter(({ length }) => length > 1)
  if (isAlone) return nearest(given, known)
  if (ordinaryWords.has(given) || !/^\p{L}+$/u.test(given)) return undefined
  return known.find(
    name =>
      isSlip(given, name) ||
      (name.length >= longName && given[0] === name[0] && distance(given, name) === 2),
  )
}

export const isSlip = (given: string, word: string): boolean =>
  distance(given, word) === 1 || isSwap(given, word)

export function nearest(given: string, known: readonly string[]): string | undefined {
  const close = known
    .map(word => ({ word, away: distance(given, word) }))
    .filter(({ word, away }) => away <= (word.length <= 4 ? 1 : 2) || isSwap(given, word))
    .sort((a, b) => a.away - b.away)
  return close[0]?.word
}

/** Swapped neighbours, the commonest slip, count as two for Levenshtein. */
function isSwap(given: string, word: string) {
  const at = [...word].findIndex((letter, i) => given[i] !== letter)
  return (
    at !== -1 && word === `${given.slice(0, at)}${given[at + 1]}${given[at]}${given.slice(at + 2)}`
  )
}
