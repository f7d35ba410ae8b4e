'use strict';

/** Objects that the native part knows by number. They are held weakly: a store that is gone takes its own along. */
class Registry {
  #nextId = 1;

  #registrations = new WeakMap();

  #objects = new Map();

  #gone = new FinalizationRegistry((id) => this.#objects.delete(id));

  /** The number of an object, and the entry that `make` made for it the first time. */
  add(object, make) {
    const added = this.#registrations.get(object);
    if (added) return added;
    const registration = { id: this.#nextId, entry: make() };
    this.#nextId += 1;
    this.#registrations.set(object, registration);
    this.#objects.set(registration.id, new WeakRef(object));
    this.#gone.register(object, registration.id);
    return registration;
  }

  /** The entry of the object with this number, if the object is still there. */
  entry(id) {
    const object = this.#objects.get(id)?.deref();
    return object && this.#registrations.get(object).entry;
  }
}

module.exports = { Registry };
