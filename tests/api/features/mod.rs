mod development;
