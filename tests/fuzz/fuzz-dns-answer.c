// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers of DNS servers.
 */
#include "fuzz.h"
#include "net/dns-answer.h"

static void
check_records (const HerdDnsAnswer *answer, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++) {
    const HerdDnsRecord *record = records->pdata[i];

    fuzz_assert_clean (record->owner);
    fuzz_assert_clean (record->text);
    g_assert_nonnull (herd_dns_type_to_string (record->type));
    g_assert_true (herd_dns_name_is_within (record->owner, ""));
    herd_dns_answer_follow (answer, record->owner);
    if (records == answer->answers)
      g_assert_nonnull (herd_dns_answer_find (answer, record->owner, record->type));
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = herd_dns_answer_parse (data, size, &error);
  g_autofree char *rcode = NULL;

  fuzz_assert_outcome (answer != NULL, error);
  if (answer == NULL)
    return 0;
  rcode = herd_dns_rcode_to_string (answer->rcode);
  fuzz_assert_clean (rcode);
  check_records (answer, answer->answers);
  check_records (answer, answer->authorities);
  return 0;
}
