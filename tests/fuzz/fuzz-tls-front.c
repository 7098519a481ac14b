// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The responder's TLS front: a ClientHello and what may follow; the first byte says in how large pieces.
 */
#include <string.h>

#include "front.h"
#include "fuzz.h"
#include "responder/tls-front.h"

static HerdFront *
make (HerdFlight *flight, HerdClock *clock)
{
  g_autoptr (GError) error = NULL;
  HerdFront *front = herd_tls_front_new (flight, clock, &error);

  g_assert_no_error (error);
  return front;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) answer = NULL;
  gsize length;
  const guint8 *record;

  if (size < 2 || size > 32768)
    return 0;
  answer = fuzz_front_feed (make, data + 1, size - 1, 64 * (data[0] + 1u));
  record = g_bytes_get_data (answer, &length);
  /* An alert or the handshake, and never application data (23). */
  g_assert_true (length == 0 || record[0] == 21 || record[0] == 22);
  return 0;
}
