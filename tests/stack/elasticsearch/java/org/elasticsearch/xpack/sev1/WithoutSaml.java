package org.elasticsearch.xpack.sev1; // only plugins of org.elasticsearch.xpack may intercept requests

import java.util.List;

import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.xpack.security.Security;

/** Security without the actions for SAML, whose library is not on Maven Central. */
public final class WithoutSaml extends Security {
    public WithoutSaml(Settings settings) {
        super(settings);
    }

    @Override
    public List<ActionHandler<? extends ActionRequest, ? extends ActionResponse>> getActions() {
        return super.getActions().stream()
            .filter(action -> !action.getTransportAction().getSimpleName().contains("Saml"))
            .toList();
    }
}
