'use strict';

const { headOf, textOf } = require('./frame.js');

/**
 * What one request, or one session object, has loaded or written of a session. Its next write is compared with this
 * and guarded by it.
 */
class Tracked {
  /** The head as it was loaded or last written; `''` when there was no session; undefined if it was never loaded. */
  head;

  /** The session text, as it was loaded or last written. */
  text;

  /** The attributes beside it, and what ./computed.js made them of. Undefined if they are not known. */
  attributes = undefined;

  /** The text of the session that was here before it was deleted. */
  ended = '';

  /**
   * The session that its request had before this one.
   *
   * @type {{ id: string, ended: string, text: string } | undefined}
   */
  before = undefined;

  /** The request, if it is known. */
  request = undefined;

  /** The session was deleted meanwhile: later writes are dropped. */
  isGone;

  /** The write under way. */
  last = undefined;

  constructor(frame) {
    this.loaded(frame);
  }

  /** The other sessions of its request, as far as they are known. */
  get others() { return this.before ? [this.before] : []; }

  /** A load gave this frame: `''` when there was no session. */
  loaded(frame) {
    this.head = frame && headOf(frame);
    this.text = frame ? textOf(frame) : '';
    this.attributes = undefined;
    this.isGone = false;
  }

  /** A write answered with this head. A touch writes no text: what is stored stays the base of the next write. */
  wrote(head, text = undefined, attributes = undefined) {
    this.isGone = head === '';
    if (this.isGone) return;
    if (this.head || text !== undefined) this.head = head;
    if (text === undefined) return;
    this.text = text;
    this.attributes = attributes;
  }
}

module.exports = { Tracked };
