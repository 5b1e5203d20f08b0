/**
 * Links that show no word: of `[.](https://…)` a person sees a dot, and a machine an address of any length. And the
 * labels of references, which nobody sees where other words stand before them.
 */

/** Whether a person sees more of it than signs; what stands for a character may be a space. */
export const showsWords = (text: string): boolean =>
  /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text.replace(/<[^<>]*>|&#?\w{1,32};/g, ''))

/**
 * Addresses behind no words go. Only what stands between the last bracket and the end of the link counts as its words:
 * in doubt, there are none. An address with spaces in it is a sentence.
 * @param drop is told what goes
 */
export const withoutWordlessLinks = (text: string, drop: (hidden: string) => void = () => {}): string =>
  text.replace(address, (whole: string, target: string, index: number) => {
    if (target === '' || (showsWords(wordsBefore(text, index)) && !/\s/.test(target))) return whole
    drop(target)
    return ']()'
  })

const address = /\]\([ \t\n]*((?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))[ \t\n]*\)/g

const wordsBefore = (text: string, index: number): string =>
  /[^[\]]*$/.exec(text.slice(Math.max(0, index - 500), index))?.[0] ?? ''
