'use strict';

/**
 * What crosses between JavaScript and the native part. src/frame.rs is the other side of it.
 *
 * A session crosses as `HEAD\nTEXT`. The head is `[k][f]CREATED,EXPIRES,VERSION[,USER]`: two times in epoch
 * milliseconds, the state of the item, and the key of the user whose session it is. Either time may be empty. `k` marks
 * a listed session whose id is not known: the key of its item is in place of it. `f` marks an item that another package
 * wrote. The text is the session as JSON, or `A` and the session as DynamoDB attribute JSON when it holds what JSON
 * cannot express.
 *
 * A write answers with the head of what is stored now, or with an empty text when the session is gone.
 */

const ATTRIBUTE_MARK = 'A';
const KEY_MARK = 'k';
const FOREIGN_MARK = 'f';

/** The head of a frame. */
const headOf = (frame) => frame.slice(0, frame.indexOf('\n'));

/** The session text of a frame. */
const textOf = (frame) => frame.slice(frame.indexOf('\n') + 1);

/** Whether the key of the item is in place of its session's id. */
const isByKey = (head) => head.startsWith(KEY_MARK);

/** Whether another package wrote the item. */
const isForeign = (head) => head.startsWith(FOREIGN_MARK, isByKey(head) ? KEY_MARK.length : 0);

/** When the item expires, in epoch milliseconds; undefined when it does not say. */
function expiresOf(head) {
  const ms = head.split(',')[1];
  return ms === '' ? undefined : Number(ms);
}

/** Whether the session is registered as a user's. */
const hasUser = (head) => head.split(',').length > 3;

/** Session text for a session given as attribute JSON. */
const attributeText = (attribute) => ATTRIBUTE_MARK + attribute;

/** Whether session text is attribute JSON, which `attributeOf` returns. */
const isAttribute = (text) => text.startsWith(ATTRIBUTE_MARK);

const attributeOf = (text) => text.slice(ATTRIBUTE_MARK.length);

module.exports = {
  attributeOf, attributeText, expiresOf, hasUser, headOf, isAttribute, isByKey, isForeign, textOf,
};
