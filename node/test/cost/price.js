'use strict';

// The cost of requests, from the answers of the engine.

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
const sizeOf = (attribute) => {
  const [[type, value]] = Object.entries(attribute);
  const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
  switch (type) {
    case 'S': return Buffer.byteLength(value);
    case 'N': return Math.ceil(value.replace(/[-.]/g, '').length / 2) + 1;
    case 'B': return Buffer.from(value, 'base64').length;
    case 'BOOL':
    case 'NULL': return 1;
    case 'L': return 3 + sum(value.map((item) => sizeOf(item) + 1));
    case 'M': return 3 + sum(Object.entries(value).map(([name, item]) => Buffer.byteLength(name) + sizeOf(item) + 1));
    default: throw new Error(`no size is defined here for ${type}`);
  }
};

const itemSize = (item) => Object.entries(item)
  .reduce((size, [name, attribute]) => size + Buffer.byteLength(name) + sizeOf(attribute), 0);

// A failed condition is charged as a write of the stored item. The answer does not include this cost.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
const unitsOf = ({ operation, answer }) => {
  const body = JSON.parse(answer.body);
  if (answer.status === 200) return body.ConsumedCapacity.CapacityUnits;
  if (!/ConditionalCheckFailed/.test(body.__type)) throw new Error(`${operation}: ${answer.body}`); // eslint-disable-line no-underscore-dangle
  return Math.max(Math.ceil(itemSize(body.Item ?? {}) / 1024), 1);
};

// The operations, and the read and write units, of recorded calls.
const priceOf = (calls) => {
  const units = (isRead) => calls.filter(({ operation }) => (operation === 'GetItem') === isRead)
    .reduce((total, call) => total + unitsOf(call), 0);
  return { operations: calls.map(({ operation }) => operation), read: units(true), write: units(false) };
};

module.exports = { itemSize, priceOf };
