// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Explain: what led to a certificate's next action, in the words of Certificate1.Explain (data/dbus). Main
 * loop only.
 */
#pragma once

#include "model/certificate.h"

G_BEGIN_DECLS

/* a{sv}, floating; what there is not is left out. */
GVariant *herd_explain (const HerdCertificate *certificate);

G_END_DECLS
