/** Links whose text shows no word hide their address from people; labels of references are hidden too. */

/** Whether any letter or digit is shown. */
export const showsWords = (text: string): boolean =>
  /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text.replace(/<[^<>]*>|&#?\w{1,32};/g, ''))

/** Removes addresses of links without visible words; in doubt, a link has none. @param drop gets what is removed */
export const withoutWordlessLinks = (text: string, drop: (hidden: string) => void = () => {}): string =>
  text.replace(address, (whole: string, target: string, index: number) => {
    if (target === '' || (showsWords(wordsBefore(text, index)) && !/\s/.test(target))) return whole
    drop(target)
    return ']()'
  })

const address = /\]\([ \t\n]*((?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))[ \t\n]*\)/g

const wordsBefore = (text: string, index: number): string =>
  /[^[\]]*$/.exec(text.slice(Math.max(0, index - 500), index))?.[0] ?? ''
