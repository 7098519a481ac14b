// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How the double's issuers fail, while the agent runs: as files say in the folder that the environment has as
 * TEST_ISSUERS. Any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* ISSUER is asked at NOW (seconds since the epoch): its name goes to the end of the folder's file "asked". How
 * it fails, as the file of its name says: "down" (no answer), "challenge" (of the validation),
 * "challenge-soon" (likewise; in a second it may try again), "limit" (of a rate limit, for a second), "refuse" (of the name, for good), "act" (somebody has to).
 * NULL: there is no such file, and it does not. (transfer full) */
GError *test_trouble_find (const char *issuer, gint64 now);

G_END_DECLS
