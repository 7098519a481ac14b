// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pace of polling.
 */
#include "acme/poll.h"

#include "plugin/error.h"

#define MILLISECOND G_GINT64_CONSTANT (1000)
#define SECOND (1000 * MILLISECOND)
#define FIRST_DELAY (100 * MILLISECOND)
#define DELAY_MAX (15 * SECOND)
#define RETRY_AFTER_MIN 1 /* seconds */
#define RETRY_AFTER_MAX 300
#define TROUBLES_MAX 4

void
herd_poll_start (HerdPoll *poll)
{
  poll->rounds = 0;
  poll->troubles = 0;
  poll->delay = FIRST_DELAY;
}

gboolean
herd_poll_is_due (HerdPoll *poll)
{
  return poll->rounds++ > 0;
}

void
herd_poll_answered (HerdPoll *poll, gint64 retry_at)
{
  poll->retry_at = retry_at;
  poll->troubles = 0;
}

gboolean
herd_poll_tolerates (HerdPoll *poll, const GError *error, gint64 now)
{
  gint64 retry_at = herd_error_get_retry_at (error);

  if (error->domain != HERD_ERROR || poll->troubles >= TROUBLES_MAX)
    return FALSE;
  /* "Not so fast", with a time, is trouble of the server's too. */
  if (error->code != HERD_ERROR_UNREACHABLE
      && !(error->code == HERD_ERROR_RATE_LIMITED && retry_at != 0))
    return FALSE;
  if (retry_at > now + RETRY_AFTER_MAX)
    return FALSE;
  poll->troubles++;
  poll->retry_at = retry_at;
  poll->delay = MAX (poll->delay, SECOND);
  return TRUE;
}

gint64
herd_poll_get_delay (HerdPoll *poll, gint64 now)
{
  gint64 delay = poll->delay;

  poll->delay = MIN (poll->delay * 3 / 2, DELAY_MAX);
  if (poll->retry_at == 0)
    return delay;
  return CLAMP (poll->retry_at - now, RETRY_AFTER_MIN, RETRY_AFTER_MAX) * SECOND;
}
