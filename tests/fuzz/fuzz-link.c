// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Link fields (RFC 8288).
 */
#include <string.h>

#include "fuzz.h"
#include "net/link.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const char *const relations[] = { "alternate", "up", "terms-of-service" };
  g_autofree char *value = fuzz_dup_text (data, size);

  for (guint i = 0; i < G_N_ELEMENTS (relations); i++) {
    g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (g_free);

    herd_link_find_all (value, relations[i], 3, targets);
    g_assert_cmpuint (targets->len, <=, 3);
    for (guint j = 0; j < targets->len; j++) {
      g_assert_null (strchr (targets->pdata[j], '>'));
      g_assert_nonnull (strstr (value, targets->pdata[j]));
    }
  }
  return 0;
}
