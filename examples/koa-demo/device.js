'use strict';

// The name by which a visitor recognises a device. It is a hint, not a proof: browsers send what they like.

const MAX = 60; // characters

// The first that matches counts. Most browsers also name those that they are compatible with, so the order matters.
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Headless)?Chrome\/|\bCriOS\//],
  ['Safari', /\bSafari\//],
];

const SYSTEMS = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/],
];

const firstOf = (rules, text) => rules.find(([, pattern]) => pattern.test(text))?.[0];

// userAgent: the header, which may hold anything. The result is as little to be trusted: escape it.
module.exports = function deviceLabel(userAgent) {
  const [browser, system] = [BROWSERS, SYSTEMS].map((rules) => firstOf(rules, userAgent));
  if (browser && system) return `${browser} on ${system}`;
  const text = userAgent.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return text.length > MAX ? `${text.slice(0, MAX - 1)}…` : text;
};
