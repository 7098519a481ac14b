// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The pace of polling.
 */
#include "acme/poll.h"

#include "plugin/error.h"

#define MILLISECOND G_GINT64_CONSTANT (1000)
#define SECOND (1000 * MILLISECOND)
#define DELAY_MAX (15 * SECOND)
#define SECOND_DELAY (50 * MILLISECOND) /* at least, after the first question */
#define RETRY_AFTER_MAX 300             /* seconds */
#define TROUBLES_MAX 4

#define PACE_MIN (2 * MILLISECOND)
#define PACE_MAX (2 * SECOND)
#define VALIDATORS_MAX 16

/* Some validators come later than others, from the other end of the world. */
#define QUIET (250 * MILLISECOND)
/* Nobody has come who was to be seen: he may have gone elsewhere. */
#define UNSEEN (1 * SECOND)

void
herd_poll_start (HerdPoll *poll, HerdPace *pace, gint64 now)
{
  poll->pace = pace;
  poll->rounds = 0;
  poll->troubles = 0;
  poll->delay = pace != NULL ? pace->delay : SECOND_DELAY;
  poll->begin = now;
}

gboolean
herd_poll_is_due (HerdPoll *poll, gint64 now)
{
  if (poll->rounds++ == 0)
    return FALSE;
  poll->asked = now;
  return TRUE;
}

gboolean
herd_poll_is_fresh (const HerdPoll *poll)
{
  return poll->rounds <= 1;
}

void
herd_poll_answered (HerdPoll *poll, gint64 retry_at)
{
  poll->retry_at = retry_at;
  poll->troubles = 0;
}

void
herd_poll_learn (HerdPoll *poll, HerdSightings *sightings)
{
  guint least = sightings != NULL ? herd_sightings_get_least (sightings) : 0;
  gint64 begin = least > 0 ? herd_sightings_get_last (sightings) : poll->begin;
  gint64 delay = poll->pace->delay;

  if (poll->rounds < 2 || (sightings != NULL && least == 0))
    return;
  /* The first question came late enough: perhaps an earlier one would have done. */
  if (poll->rounds == 2)
    delay -= delay / 8;
  else
    delay = MAX (delay, poll->asked - begin);
  poll->pace->delay = CLAMP (delay, PACE_MIN, PACE_MAX);
  poll->pace->validators = MIN (least, VALIDATORS_MAX);
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

/* A time that has passed is "now", which is no licence to ask all the time. */
static gboolean
has_retry_at (const HerdPoll *poll, gint64 now)
{
  return poll->retry_at > now;
}

static gint64
get_asked_delay (const HerdPoll *poll, gint64 now)
{
  return MIN (poll->retry_at - now, RETRY_AFTER_MAX) * SECOND;
}

gint64
herd_poll_get_delay (HerdPoll *poll, gint64 now)
{
  gint64 delay = poll->delay;

  poll->delay = CLAMP (poll->delay * 2, SECOND_DELAY, DELAY_MAX);
  return has_retry_at (poll, now) ? get_asked_delay (poll, now) : delay;
}

gint64
herd_poll_get_delay_by_sight (const HerdPoll *poll, HerdSightings *sightings, gint64 now,
                              gint64 monotonic)
{
  gint64 last = herd_sightings_get_last (sightings);
  gint64 due = poll->begin + UNSEEN;

  if (has_retry_at (poll, now))
    return get_asked_delay (poll, now);
  if (herd_sightings_get_least (sightings) >= MAX (poll->pace->validators, 1))
    /* Somebody else may come all the time. */
    due = MIN (last, due) + poll->pace->delay;
  else if (last > 0)
    due = MIN (due, last + QUIET);
  return MAX (due - monotonic, 0);
}
