'use strict';

// The findings of a soak, as Markdown.

const counted = (counts) => Object.entries(counts).map(([what, count]) => `${what} ${count}`).join(', ') || 'none';
const number = (value) => value.toFixed(1);

module.exports = ({
  ms, seed, violations, visitors, sessions, faults, serviceRequests, usedExpired, lastReport, vitals, judged, samples,
}) => {
  const { counts, errors, stats } = lastReport ?? { counts: {}, errors: {}, stats: {} };
  return `# Soak

${violations.length === 0 ? 'Nothing was violated' : `**${violations.length} violations**`} in ${(ms / 60000).toFixed(1)} minutes, seed ${seed}, Node.js ${process.version}.
${violations.slice(0, 20).map((violation) => `\n- ${violation}`).join('')}

| | |
|---|---|
| visitors | ${counted(visitors)} |
| sessions at the end | ${sessions} |
| requests to the service | ${serviceRequests}, retries ${stats.retries}, conflicts ${stats.conflicts} |
| credentials given, refused | ${counts.credentials}, ${counts.refusals} |
| requests signed with expired ones | ${usedExpired} |
| errors in the app | ${counted(errors)} |
| faults | ${counted(faults)} |

| the app | second third | last third | limit | |
|---|---|---|---|---|
${vitals.map(({
    vital, unit, before, last, limit, flat,
  }) => `| ${vital} | ${number(before)} ${unit} | ${number(last)} ${unit} | ${number(limit)} ${unit} | ${flat ? 'flat' : 'GROWS'} |`).join('\n')}

${samples.length} samples. ${judged ? 'The first third is warm-up.' : 'Too short a run to judge these.'}
`;
};
